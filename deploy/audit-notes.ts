import { eventSources } from '../shared/app/trigger.ts';
import { type Context, chosen } from './context.ts';

/**
 * One line for each audited service without Data Access audit logs: whether a method is logged without them is known
 * only to the service. Folders and the organization may enable them, too.
 */
export async function auditNotes(
  context: Pick<Context, 'app' | 'options' | 'cloud' | 'names'>,
): Promise<string[]> {
  // they are about to be turned on
  if (context.options.auditDataAccess) return [];
  const services = new Map<string, string[]>();
  for (const source of chosen(context).flatMap(({ trigger }) => eventSources(trigger))) {
    if (source.kind !== 'auditLog') continue;
    services.set(source.service, [...(services.get(source.service) ?? []), source.method]);
  }
  if (services.size === 0) return [];
  const audited = new Set(await context.cloud.auditedServices());
  if (audited.has('allServices')) return [];
  const { project } = context.names.place;
  return [...services]
    .filter(([service]) => !audited.has(service))
    .map(
      ([service, methods]) =>
        `note: ${project} has no Data Access audit logs for ${service}: if ${methods.join(', ')} only read or write data, nothing is logged and no event comes; enable them at https://console.cloud.google.com/iam-admin/audit?project=${project}`,
    );
}
