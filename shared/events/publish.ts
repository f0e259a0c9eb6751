export interface EventToPublish {
  type: string;
  /** JSON. */
  data: unknown;
  subject?: string | undefined;
  dataschema?: string | undefined;
  /** Events of one key arrive in order if the subscription asks for it. */
  orderingKey?: string | undefined;
  /** Names this event among those of its cause; required if `data` differs between deliveries. */
  key?: string | undefined;
  /** Replaces the derived id. It must follow from the cause, too. */
  id?: string | undefined;
  /** Default `/<function>`. */
  source?: string | undefined;
  /** RFC 3339. Default: now. */
  time?: string | undefined;
}

export interface Published {
  /** The event's id attribute. */
  id: string;
  messageId: string;
}

export interface PublishLimits {
  /** Functions of ours that may follow one another. Default 16. */
  maxHops: number;
  /** Events of one type per correlation id. Default 1,000. */
  maxEventsPerCorrelation: number;
}
