import type { Command } from './command.ts';
import { adopt } from './commands/adopt.ts';
import { approvals } from './commands/approvals.ts';
import { approve } from './commands/approve.ts';
import { auditExport } from './commands/audit-export.ts';
import { auditVerify } from './commands/audit-verify.ts';
import { backup } from './commands/backup.ts';
import { caInit } from './commands/ca-init.ts';
import { caList } from './commands/ca-list.ts';
import { caSign } from './commands/ca-sign.ts';
import { ciCheck } from './commands/ci-check.ts';
import { ciInit } from './commands/ci-init.ts';
import { ciOrder } from './commands/ci-order.ts';
import { command } from './commands/command.ts';
import { completion } from './commands/completion.ts';
import { configBuild } from './commands/config-build.ts';
import { configCheck } from './commands/config-check.ts';
import { configMigrate } from './commands/config-migrate.ts';
import { configSchema } from './commands/config-schema.ts';
import { deny } from './commands/deny.ts';
import { deploy } from './commands/deploy.ts';
import { deployments } from './commands/deployments.ts';
import { deskJoin } from './commands/desk-join.ts';
import { deskNew } from './commands/desk-new.ts';
import { diff } from './commands/diff.ts';
import { doctor } from './commands/doctor.ts';
import { edgeSetup } from './commands/edge-setup.ts';
import { guestsPrepare } from './commands/guests-prepare.ts';
import { history } from './commands/history.ts';
import { houseSet } from './commands/house-set.ts';
import { houseShow } from './commands/house-show.ts';
import { init } from './commands/init.ts';
import { move } from './commands/move.ts';
import { newApp } from './commands/new-app.ts';
import { plan } from './commands/plan.ts';
import { powerCommands, sleep } from './commands/power.ts';
import { relays } from './commands/relays.ts';
import { relaysAdd } from './commands/relays-add.ts';
import { relaysApprove } from './commands/relays-approve.ts';
import { restore } from './commands/restore.ts';
import { retry } from './commands/retry.ts';
import { rollback } from './commands/rollback.ts';
import { run } from './commands/run.ts';
import { secretsCheck } from './commands/secrets-check.ts';
import { secretsEdit } from './commands/secrets-edit.ts';
import { secretsImport } from './commands/secrets-import.ts';
import { secretsList } from './commands/secrets-list.ts';
import { secretsRecipients } from './commands/secrets-recipients.ts';
import { secretsRotate } from './commands/secrets-rotate.ts';
import { secretsSet } from './commands/secrets-set.ts';
import { serve } from './commands/serve.ts';
import { status } from './commands/status.ts';
import { targets } from './commands/targets.ts';
import { tokensCreate } from './commands/tokens-create.ts';
import { tokensList } from './commands/tokens-list.ts';
import { tokensRevoke } from './commands/tokens-revoke.ts';
import { trustAddGithub } from './commands/trust-add-github.ts';
import { trustAddKey } from './commands/trust-add-key.ts';
import { trustAddNotary } from './commands/trust-add-notary.ts';
import { trustCommand } from './commands/trust-command.ts';
import { trustHeal } from './commands/trust-heal.ts';
import { trustPublish } from './commands/trust-publish.ts';
import { trustReaders } from './commands/trust-readers.ts';
import { trustRecover } from './commands/trust-recover.ts';
import { trustRevoke } from './commands/trust-revoke.ts';
import { trustRotate } from './commands/trust-rotate.ts';
import { trustShow } from './commands/trust-show.ts';
import { trustSign } from './commands/trust-sign.ts';
import { watch } from './commands/watch.ts';

/** Every command of `writ`, in the order of its help. */
export const commands: readonly Command[] = [
  serve,
  backup,
  restore,
  edgeSetup,
  init,
  move,
  relays,
  relaysAdd,
  relaysApprove,
  tokensCreate,
  tokensList,
  tokensRevoke,
  trustShow,
  trustSign,
  trustRotate,
  trustAddGithub,
  trustAddKey,
  trustAddNotary,
  trustRevoke,
  trustReaders,
  trustCommand,
  trustHeal,
  trustPublish,
  trustRecover,
  deskNew,
  deskJoin,
  houseShow,
  houseSet,
  guestsPrepare,
  configCheck,
  configBuild,
  configSchema,
  configMigrate,
  newApp,
  adopt,
  plan,
  deploy,
  deployments,
  targets,
  diff,
  history,
  rollback,
  retry,
  secretsRecipients,
  secretsSet,
  secretsEdit,
  secretsRotate,
  secretsList,
  secretsCheck,
  secretsImport,
  caInit,
  caSign,
  caList,
  ciInit,
  ciCheck,
  ciOrder,
  status,
  doctor,
  watch,
  ...powerCommands,
  sleep,
  run,
  command,
  approvals,
  approve,
  deny,
  auditVerify,
  auditExport,
  completion(() => commands),
];
