// How the manifest of an export is told from its events.

/** Whether a line of an export is its manifest, of this or another version. */
export function isManifestLine(text: string): boolean {
  return /^\s*\{\s*"(manifest|signature|unsigned)"\s*:/.test(text);
}
