import type { Context } from '../context.ts';
import { readAll } from '../monitoring-files.ts';
import { type Body, expression, type Json, slug, snakeCase } from './expressions.ts';
import { after, type Resource } from './resource.ts';

type Where = Pick<Context, 'app' | 'names' | 'options'>;

/** Fields whose keys are names of labels. */
const MAPS = new Set(['labelExtractors', 'userLabels', 'labels']);

export async function metrics(context: Where): Promise<Resource[]> {
  return (await readAll('metrics', context)).map(({ name, body }) => {
    const { metricDescriptor, ...rest } = body;
    return after({
      type: 'google_logging_metric',
      name: slug(name),
      body: {
        name: context.names.metric(name),
        ...(snakeCase(rest, MAPS) as Body),
        // its labels are a list
        metric_descriptor: snakeCase(metricDescriptor, new Set()),
      },
    });
  });
}

export async function dashboard(context: Where): Promise<Resource[]> {
  return (await readAll('dashboard', context)).map(({ name, body }) =>
    after({
      type: 'google_monitoring_dashboard',
      name: slug(name),
      body: { dashboard_json: JSON.stringify(body, withoutDefault) },
    }),
  );
}

/** Monitoring omits default values; with them, every plan would show a difference. */
const withoutDefault = (_: string, value: unknown): unknown =>
  value === 0 || value === false || value === '' ? undefined : value;

/** @param named the metrics, which Monitoring must know before */
export async function alerts(context: Where, named: readonly Resource[]): Promise<Resource[]> {
  return (await readAll('alerts', context)).map(({ name, body }) =>
    after(
      {
        type: 'google_monitoring_alert_policy',
        name: slug(name),
        body: {
          ...(snakeCase(body, MAPS) as { [key: string]: Json }),
          notification_channels: expression('var.notification_channels'),
        },
      },
      ...named.filter((metric) => JSON.stringify(body).includes(String(metric.body['name']))),
    ),
  );
}
