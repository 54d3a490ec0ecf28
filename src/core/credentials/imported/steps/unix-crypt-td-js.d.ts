declare module 'unix-crypt-td-js' {
  /** DES crypt(3). Two characters of salt and eleven of hash come out. */
  export default function crypt(password: string | number[], salt: string): string;
}
