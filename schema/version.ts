/** Of all programs of this repository; the same as package.json's, which is not there beside a bundle. */
export const programVersion = '0.1.0';
