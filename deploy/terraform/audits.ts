import type { Context } from '../context.ts';
import { auditedServices, DATA_ACCESS } from '../parts/audits.ts';
import { expression, slug } from './expressions.ts';
import { after, type Resource } from './resource.ts';

/** Data Access audit logs: the provider sets all of a service's at once, also those that somebody else turned on. */
export function audits(context: Pick<Context, 'app' | 'options'>): Resource[] {
  if (!context.options.auditDataAccess) return [];
  return auditedServices(context).map((service) =>
    after({
      type: 'google_project_iam_audit_config',
      name: slug(service.replace('.googleapis.com', '')),
      body: {
        project: expression('var.project'),
        service,
        audit_log_config: DATA_ACCESS.map((log_type) => ({ log_type })),
      },
    }),
  );
}
