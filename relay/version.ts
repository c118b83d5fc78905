/** Of this program; the same as package.json's, which is not there beside a bundle. */
export const relayVersion = '0.1.0';
