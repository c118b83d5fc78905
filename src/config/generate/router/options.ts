import * as v from 'valibot';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { recordOf } from '../../../../schema/wire/record.ts';

export const routerOptionsSchema = v.strictObject({
  interfaces: v.pipe(
    v.optional(
      recordOf(
        nameSchema,
        v.pipe(v.string(), v.regex(/^[a-z][a-z0-9]{0,30}$/, 'must be as pfSense names them: lan, opt1')),
      ),
      {},
    ),
    v.description('pfSense’s interface of each network, as it numbers them: `lan`, `opt1`.'),
  ),
});
