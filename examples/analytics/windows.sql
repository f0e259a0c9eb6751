-- The windows of windows.py for those without Spark: a scheduled query in BigQuery. Each run counts the windows of the
-- last 90 minutes anew, so with a run every 15 minutes an event counts if it is at most an hour late, and a run may be
-- repeated.
-- It reads the views of `pipeline lake views --engine bigquery --app examples/orders`.
CREATE TABLE IF NOT EXISTS `lake`.`windows` (
  `day` DATE NOT NULL OPTIONS(description='of window_start, in UTC'),
  `window_start` TIMESTAMP NOT NULL,
  `window_end` TIMESTAMP NOT NULL,
  `type` STRING NOT NULL OPTIONS(description='of the events'),
  `measure` STRING NOT NULL OPTIONS(description='sales, customer or failed'),
  `key` STRING NOT NULL OPTIONS(description='customer, or reason of the failure; empty for sales'),
  `currency` STRING NOT NULL OPTIONS(description='ISO 4217; empty for failures'),
  `events` INT64 NOT NULL,
  `amount` NUMERIC NOT NULL OPTIONS(description='in minor units of the currency')
) PARTITION BY `day`;

MERGE `lake`.`windows` AS old
USING (
  WITH counted AS (
    -- an event cannot have happened after it was stored
    SELECT `type`, LEAST(COALESCE(`time`, `ingest_time`), `ingest_time`) AS happened, 'sales' AS measure, '' AS key,
      COALESCE(`currency`, '') AS currency, COALESCE(`total`, 0) AS amount, `ingest_time` AS stored
    FROM `lake`.`order_created`
    UNION ALL
    SELECT `type`, LEAST(COALESCE(`time`, `ingest_time`), `ingest_time`), 'customer', COALESCE(`customerId`, ''),
      COALESCE(`currency`, ''), COALESCE(`total`, 0), `ingest_time`
    FROM `lake`.`order_created`
    UNION ALL
    SELECT `type`, LEAST(COALESCE(`time`, `ingest_time`), `ingest_time`), 'failed', COALESCE(`reason`, ''),
      '', 0, `ingest_time`
    FROM `lake`.`payment_failed`
  )
  SELECT DATE(TIMESTAMP_TRUNC(happened, MINUTE)) AS day, TIMESTAMP_TRUNC(happened, MINUTE) AS window_start,
    TIMESTAMP_ADD(TIMESTAMP_TRUNC(happened, MINUTE), INTERVAL 60 SECOND) AS window_end, type, measure, key, currency,
    COUNT(*) AS events, SUM(CAST(amount AS NUMERIC)) AS amount
  FROM counted
  WHERE happened >= TIMESTAMP_TRUNC(TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 90 MINUTE), MINUTE)
    AND stored >= TIMESTAMP_TRUNC(TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 90 MINUTE), MINUTE)
  GROUP BY day, window_start, window_end, type, measure, key, currency
) AS new
ON old.day = new.day AND old.window_start = new.window_start AND old.type = new.type
  AND old.measure = new.measure AND old.key = new.key AND old.currency = new.currency
WHEN MATCHED THEN UPDATE SET events = new.events, amount = new.amount
WHEN NOT MATCHED THEN INSERT (day, window_start, window_end, type, measure, key, currency, events, amount)
  VALUES (new.day, new.window_start, new.window_end, new.type, new.measure, new.key, new.currency, new.events, new.amount);
