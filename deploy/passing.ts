/**
 * What an answer that passes with time is about:
 * - `unknown`: a new resource, role or service is not known everywhere yet;
 * - `busy`: another change of the same thing is in progress;
 * - `rate`: a quota per minute;
 * - `failed`: the service itself failed, perhaps after it made the change.
 */
export type PassingKind = 'unknown' | 'busy' | 'rate' | 'failed';

export interface Passing {
  kind: PassingKind;
  /** For `unknown`: what is not known yet. */
  what: string;
}

interface Rule extends Passing {
  text: RegExp;
  /** Matches the commands that the rule is for, as words without flags; undefined for all. */
  of?: RegExp;
}

const DEPLOYS = /^functions deploy|^eventarc triggers create/;
const CHANGES_PUBSUB = /^pubsub (?:topics|subscriptions|snapshots) (?!list|describe)/;

/**
 * Answers that users of new projects have reported, and those that other tools retry:
 * https://github.com/hashicorp/terraform-provider-google/blob/main/google/transport/error_retry_predicates.go
 */
const RULES: readonly Rule[] = [
  {
    kind: 'busy',
    what: '',
    text: /too many concurrent edits|could not fulfill the request|concurrent policy changes|another activation or deactivation is in progress|unable to queue the operation|sync mutate calls cannot be queued|operation is already in progress|internal error.{0,40}160009/i,
  },
  { kind: 'rate', what: '', text: /Quota exceeded for quota metric .{0,200} per minute'/ },
  {
    kind: 'unknown',
    what: "a service account's name, or the right to use it",
    text: /service account .{0,200}\bnot (?:found|exist)|gserviceaccount\.com does not exist|permission ['"]?iam\.serviceaccounts\.(?:actas|get)['"]? denied on (?:service account|resource \(or it may)/i,
  },
  {
    kind: 'unknown',
    what: 'a new metric',
    of: /monitoring|^logging metrics/,
    text: /cannot find metric|metric referenced by the provided filter is unknown|unknown metric|metric .{0,200} (?:not found|does not exist)/i,
  },
  {
    kind: 'unknown',
    what: "the project's organization policy",
    of: /^pubsub/,
    text: /then retry this operation/i,
  },
  {
    kind: 'unknown',
    what: 'a new topic or subscription',
    of: CHANGES_PUBSUB,
    text: /Resource not found \(resource=/,
  },
  {
    kind: 'unknown',
    what: 'a role of Google on the key',
    text: /(?:permission denied on|authorized to use|permission to use|access to) (?:the )?(?:Cloud KMS|crypto|KMS).{0,20}key|Cloud KMS CryptoKey Encrypter\/Decrypter|cloudkms\.cryptoKeyVersions\.useTo(?:En|De)crypt/i,
  },
  {
    kind: 'unknown',
    what: "a role of Eventarc, or of the trigger's account,",
    of: DEPLOYS,
    text: /permission ['"]?storage\.buckets\.get['"]? denied on ['"]?bucket|permission ['"]?eventarc\.events\.receiveEvent['"]? denied|Eventarc service (?:agent|account)/i,
  },
  {
    kind: 'unknown',
    what: "a role of Cloud Storage's agent",
    of: DEPLOYS,
    text: /unable to publish to Cloud Pub\/Sub topics/i,
  },
  {
    kind: 'unknown',
    what: "a role of the build's account",
    of: DEPLOYS,
    text: /missing permission on the build service account|must grant Storage Object Viewer|does not have storage\.objects\.get access/i,
  },
  {
    kind: 'unknown',
    what: 'the storage of builds in this region',
    of: DEPLOYS,
    text: /Failed to initialize region|has no attribute 'dockerRepository'|Unable to retrieve the repository metadata|repositor.{0,200}already exists/i,
  },
  {
    kind: 'unknown',
    what: 'a new bucket or topic',
    of: DEPLOYS,
    text: /Permission .{0,200} denied on resource .{0,200}(?:bucket|topic)|not yet (?:available|propagated)/i,
  },
  {
    kind: 'failed',
    what: '',
    // "code=13": an operation that ended with INTERNAL. A container that does not start is the function's own fault.
    text: /^(?![\s\S]*(?:Healthcheck failed|failed to start|Build failed))[\s\S]*(?:HTTPError 5\d\d|status=\[5\d\d\]|\bUNAVAILABLE\b|\bcode=1[34]\b|\bINTERNAL\b|DEADLINE_EXCEEDED|[Cc]onnection (?:reset|aborted|broken)|RemoteDisconnected|[Rr]ead timed out|gcloud crashed \((?:Connection|Timeout|SSL))/,
  },
];

/**
 * Whether gcloud's error passes with time; undefined if it does not.
 * @param words the command without flags: `pubsub topics create NAME`
 */
export function passingOf(text: string, words: string): Passing | undefined {
  return RULES.find((rule) => rule.text.test(text) && (rule.of?.test(words) ?? true));
}

export const NEW_SERVICE: Passing = { kind: 'unknown', what: 'a service that was just enabled' };

/** Google's ways to say that a service is not enabled, or not yet everywhere; the first group is its name. */
export const DISABLED: readonly RegExp[] = [
  /(?:has not been used in project|it is disabled)[\s\S]*?apis\/api\/([a-z]+\.googleapis\.com)/,
  /API \[([a-z]+\.googleapis\.com)\] not enabled/,
  /SERVICE_DISABLED[\s\S]*?service: '?([a-z]+\.googleapis\.com)/,
  /([a-z]+\.googleapis\.com)[^\n]* is (?:not enabled|disabled)/,
];

export const isDisabled = (text: string): boolean =>
  /SERVICE_DISABLED|it is disabled|is not enabled/i.test(text) || disabledIn(text) !== undefined;

/** The service that the error says is not enabled; undefined if it names none. */
export const disabledIn = (text: string): string | undefined =>
  DISABLED.map((pattern) => pattern.exec(text)?.[1]).find((name) => name !== undefined);

/** True if a creation failed only because it was done before. */
export const isThere = (text: string): boolean =>
  /already exists|ALREADY_EXISTS|you already own it/.test(text);

/**
 * True if a whole policy was refused because somebody else changed it since it was read: trying the same again is of no
 * use.
 */
export const isStale = (text: string, words: string): boolean =>
  /^projects set-iam-policy/.test(words) && /concurrent policy changes/i.test(text);

/** True if a deletion failed only because it was done before. One command may delete several things. */
export const isGone = (text: string): boolean =>
  /NOT_FOUND|HTTPError 404|status=\[404\]|Resource not found|matched no objects/.test(text) &&
  !/PERMISSION_DENIED|HTTPError 403|status=\[403\]/.test(text);
