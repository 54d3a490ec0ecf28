// Why a value that another system kept of a password can't be taken in.

export type ImportedHashProblem =
  | 'unknown_scheme'
  | 'ambiguous_scheme'
  | 'malformed_hash'
  | 'unsupported_scheme'
  | 'missing_secret'
  | 'both_password_fields'
  | 'hash_parameters_out_of_bounds';

/** What a reader of a format throws; its message never holds the hash. */
export class ImportedHashFailure extends Error {
  readonly code: ImportedHashProblem;

  constructor(code: ImportedHashProblem) {
    super(code);
    this.name = 'ImportedHashFailure';
    this.code = code;
  }
}

export const malformed = (): never => {
  throw new ImportedHashFailure('malformed_hash');
};
