/** What an owner does with a setup code. `restored`: the control plane was made of a backup. */
export const howToClaim = (code: string, restored: boolean): string =>
  restored
    ? `This control plane was made of a backup, with a new key. To move your home here, run on your own computer:\n\n  writ move ${code}`
    : `Nobody has claimed this control plane. On your own computer, run:\n\n  writ init ${code} --house house.yaml\n\nor, if it replaces one that you lost:\n\n  writ move ${code} --house house.yaml`;
