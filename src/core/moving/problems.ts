// What can be wrong with a person of a file. Each is named in the report; the rest goes in.

export const PROBLEMS = {
  invalid_json: 'it is not JSON, or not an object',
  invalid_encoding: 'it is not UTF-8',
  line_too_long: 'it is longer than 64 KiB',
  missing_identifier: 'externalId or email is missing',
  invalid_field: 'a field has a value that does not fit',
  unknown_field: 'a field is not known; it is named',
  duplicate_external_id: 'an earlier person of this file has the same externalId',
  duplicate_email: 'an earlier person of this file has the same e-mail address',
  email_taken: 'an account that was there has this e-mail address, or its owner may still take it back',
  other_address: 'somebody is here with this externalId and another e-mail address, and stays as they are',
  both_password_fields: 'there is more than one password',
  unknown_scheme: 'the password was made in no known way',
  ambiguous_scheme: 'say with password_scheme how the password was made',
  malformed_hash: 'the password is damaged',
  unsupported_scheme: 'nothing here can check such a password',
  missing_secret: 'the password needs a secret that the file given with --secrets does not hold',
  hash_parameters_out_of_bounds: 'to check the password would cost too much',
  weak_hash: 'the password is badly protected; --allow-weak takes it, hashed once more',
} as const;

export type Problem = keyof typeof PROBLEMS;

/** What is wrong, and with which field. Never with what was in it. */
export interface PersonProblem {
  readonly code: Problem;
  readonly field?: string;
}
