import type { App } from '../../shared/app/define-app.ts';
import type { AuditEntry } from '../../shared/events/audit-entry.ts';

/** Google's accounts that act for the pipeline: they deliver its events, and its buckets' notifications. */
const AGENTS =
  /^service-\d+@(gs-project-accounts|gcp-sa-pubsub|gcp-sa-eventarc|gcp-sa-cloudscheduler)\.iam\.gserviceaccount\.com$/;

export interface Own {
  app: Pick<App, 'functions'>;
  project: string;
  /** Names of buckets and topics that recording an event reads or writes. */
  places: readonly string[];
}

/**
 * Why an entry must not become an event: to record it would cause the next one. The accounts of every deployment in
 * the project count, whatever its prefix: two that recorded each other's writes would never end.
 * @returns undefined for an entry of somebody else
 */
export function ownReason({ principal, resource }: AuditEntry, own: Own): string | undefined {
  if (principal !== undefined) {
    if (AGENTS.test(principal)) return "Google's account that acts for the pipeline";
    return isAccountOf(principal, own) ? "one of the pipeline's own accounts" : undefined;
  }
  // the log leaves out callers of some denied reads: ours might be one of them
  const isOurs = own.places.some((place) => resource?.split('/').includes(place));
  return isOurs ? "an unnamed caller of the pipeline's own resource" : undefined;
}

/** Accounts are named PREFIX-FUNCTION. */
function isAccountOf(principal: string, { app, project }: Own): boolean {
  const [name = '', domain] = principal.split('@');
  if (domain !== `${project}.iam.gserviceaccount.com`) return false;
  return app.functions.some((one) => name.endsWith(`-${one.name.toLowerCase()}`));
}
