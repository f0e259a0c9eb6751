import { shortName } from '../cloud-types.ts';
import { Names, type Place } from '../names.ts';
import { expression, slug } from './expressions.ts';

/** The place as Terraform's variables; the prefix is part of names that are texts. */
export const variablePlace = (prefix: string): Place => ({
  prefix,
  project: expression('var.project'),
  projectNumber: expression('data.google_project.this.number'),
  region: expression('var.region'),
});

/** Names as references to the resources that bear them, so that Terraform knows what depends on what. */
export class TerraformNames extends Names {
  override bucket(kind: string): string {
    return expression(`google_storage_bucket.${slug(kind)}.name`);
  }

  override topic(kind: string): string {
    return expression(`google_pubsub_topic.${slug(kind)}.name`);
  }

  override replay(name: string): string {
    return expression(`google_pubsub_topic.replay_${slug(name)}.name`);
  }

  override get unreadSubscription(): string {
    return `${this.place.prefix}-dead-letters-unread`;
  }

  override function(name: string): string {
    return expression(`google_cloudfunctions2_function.${slug(name)}.name`);
  }

  override account(name: string): string {
    return expression(`google_service_account.${slug(name)}.email`);
  }

  override eventTrigger(name: string, filters: Readonly<Record<string, string>>): string {
    return expression(`google_eventarc_trigger.${triggerSlug(name, filters)}.name`);
  }
}

/** `note_change_object_deleted_raw`: the function, the last parts of the event's type, and what it is about. */
export function triggerSlug(
  name: string,
  { type = '', ...filters }: Readonly<Record<string, string>>,
): string {
  const event = type.split('.').slice(-3).join(' ');
  return slug([name, event, ...Object.values(filters).map(labelOf)].join(' '));
}

/** What a text is about: the name of the resource that it refers to, or else the text itself. */
export function labelOf(text: string): string {
  const [, label] = /\uE000google_\w+\.(\w+)\.\w+\uE001/.exec(text) ?? [];
  if (label !== undefined) return label;
  const [, agent] = /service-\uE000[^\uE001]*\uE001@(?:gcp-sa-)?([\w-]+)\./.exec(text) ?? [];
  return slug(agent === undefined ? shortName(text.replace(/^\w+:/, '')) : `${agent} agent`);
}
