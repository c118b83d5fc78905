import { labRoot, whyNoLab } from './support/lab/root.ts';
import { missing } from './support/missing.ts';

/** Builds the root of Debian that the lab's guests share, where there can be a lab; the tests find programs in it. */
const why = whyNoLab();
if (why === null) console.log(await labRoot((line) => console.log(line)));
else missing(why);
