// For tests that are not about hashing: passwords at the least that a setting allows.

export const CHEAP_HASHES = { PASSWORD_HASH_MEMORY_KIB: '1024', PASSWORD_HASH_PASSES: '1' } as const;
