import { oneOf, type Shape } from '../shapes.ts';

const LABEL: Shape = { key: 'string', valueType: oneOf('STRING', 'BOOL', 'INT64'), description: 'string' };

export const LOG_METRIC: Shape = {
  // output only: an update may send it back
  resourceName: 'string',
  name: 'string',
  description: 'string',
  filter: 'string',
  bucketName: 'string',
  disabled: 'boolean',
  metricDescriptor: {
    name: 'string',
    type: 'string',
    displayName: 'string',
    description: 'string',
    unit: 'string',
    metricKind: 'string',
    valueType: 'string',
    labels: [LABEL],
  },
  valueExtractor: 'string',
  labelExtractors: 'map',
  bucketOptions: {
    explicitBuckets: { bounds: ['any'] },
    exponentialBuckets: { numFiniteBuckets: 'number', growthFactor: 'number', scale: 'number' },
    linearBuckets: { numFiniteBuckets: 'number', width: 'number', offset: 'number' },
  },
  version: 'string',
};

const ALIGNERS = oneOf(
  ...[
    'ALIGN_NONE',
    'ALIGN_DELTA',
    'ALIGN_RATE',
    'ALIGN_MIN',
    'ALIGN_MAX',
    'ALIGN_MEAN',
    'ALIGN_COUNT',
    'ALIGN_SUM',
  ],
  ...['ALIGN_PERCENTILE_99', 'ALIGN_PERCENTILE_95', 'ALIGN_PERCENTILE_50', 'ALIGN_PERCENTILE_05'],
);
const REDUCERS = oneOf(
  ...['REDUCE_NONE', 'REDUCE_MEAN', 'REDUCE_MIN', 'REDUCE_MAX', 'REDUCE_SUM', 'REDUCE_COUNT'],
  ...['REDUCE_PERCENTILE_99', 'REDUCE_PERCENTILE_95', 'REDUCE_PERCENTILE_50', 'REDUCE_PERCENTILE_05'],
);
const AGGREGATION: Shape = {
  alignmentPeriod: 'duration',
  perSeriesAligner: ALIGNERS,
  crossSeriesReducer: REDUCERS,
  groupByFields: ['string'],
};
const TRIGGER: Shape = { count: 'number', percent: 'number' };

const THRESHOLD: Shape = {
  filter: 'string',
  aggregations: [AGGREGATION],
  denominatorFilter: 'string',
  denominatorAggregations: [AGGREGATION],
  comparison: oneOf('COMPARISON_GT', 'COMPARISON_LT'),
  thresholdValue: 'number',
  duration: 'duration',
  trigger: TRIGGER,
  evaluationMissingData: oneOf(
    ...[
      'EVALUATION_MISSING_DATA_INACTIVE',
      'EVALUATION_MISSING_DATA_ACTIVE',
      'EVALUATION_MISSING_DATA_NO_OP',
    ],
  ),
};

export const ALERT_POLICY: Shape = {
  name: 'string',
  displayName: 'string',
  documentation: {
    content: 'string',
    mimeType: oneOf('text/markdown'),
    subject: 'string',
    links: [{ displayName: 'string', url: 'string' }],
  },
  userLabels: 'map',
  conditions: [
    {
      name: 'string',
      displayName: 'string',
      conditionThreshold: THRESHOLD,
      conditionAbsent: {
        filter: 'string',
        aggregations: [AGGREGATION],
        duration: 'duration',
        trigger: TRIGGER,
      },
      conditionMatchedLog: { filter: 'string', labelExtractors: 'map' },
      conditionPrometheusQueryLanguage: {
        query: 'string',
        duration: 'duration',
        evaluationInterval: 'duration',
        labels: 'map',
        ruleGroup: 'string',
        alertRule: 'string',
        disableMetricValidation: 'boolean',
      },
    },
  ],
  combiner: oneOf('AND', 'OR', 'AND_WITH_MATCHING_RESOURCE'),
  enabled: 'boolean',
  notificationChannels: ['string'],
  alertStrategy: {
    autoClose: 'duration',
    notificationRateLimit: { period: 'duration' },
    notificationPrompts: ['string'],
  },
  severity: oneOf('CRITICAL', 'ERROR', 'WARNING'),
};

const FILTER: Shape = {
  filter: 'string',
  aggregation: AGGREGATION,
  secondaryAggregation: AGGREGATION,
  pickTimeSeriesFilter: 'any',
};
const RATIO: Shape = {
  numerator: { filter: 'string', aggregation: AGGREGATION },
  denominator: { filter: 'string', aggregation: AGGREGATION },
  secondaryAggregation: AGGREGATION,
};
const QUERY: Shape = {
  timeSeriesFilter: FILTER,
  timeSeriesFilterRatio: RATIO,
  timeSeriesQueryLanguage: 'string',
  prometheusQuery: 'string',
  unitOverride: 'string',
  outputFullDuration: 'boolean',
};
const AXIS: Shape = { label: 'string', scale: oneOf('LINEAR', 'LOG10') };
const LINE: Shape = {
  label: 'string',
  value: 'number',
  color: 'string',
  direction: 'string',
  targetAxis: 'string',
};

const WIDGET: Shape = {
  id: 'string',
  title: 'string',
  text: { content: 'string', format: oneOf('MARKDOWN', 'RAW'), style: 'any' },
  scorecard: { timeSeriesQuery: QUERY, sparkChartView: 'any', gaugeView: 'any', thresholds: [LINE] },
  logsPanel: { filter: 'string', resourceNames: ['string'] },
  alertChart: { name: 'string' },
  incidentList: 'any',
  sectionHeader: 'any',
  xyChart: {
    dataSets: [
      {
        timeSeriesQuery: QUERY,
        plotType: oneOf('LINE', 'STACKED_AREA', 'STACKED_BAR', 'HEATMAP'),
        legendTemplate: 'string',
        minAlignmentPeriod: 'duration',
        targetAxis: oneOf('Y1', 'Y2'),
      },
    ],
    timeshiftDuration: 'duration',
    thresholds: [LINE],
    xAxis: AXIS,
    yAxis: AXIS,
    y2Axis: AXIS,
    chartOptions: { mode: 'string' },
  },
};

export const DASHBOARD: Shape = {
  name: 'string',
  displayName: 'string',
  etag: 'string',
  labels: 'map',
  gridLayout: { columns: 'number', widgets: [WIDGET] },
  mosaicLayout: {
    columns: 'number',
    tiles: [{ xPos: 'number', yPos: 'number', width: 'number', height: 'number', widget: WIDGET }],
  },
  rowLayout: { rows: [{ weight: 'number', widgets: [WIDGET] }] },
  columnLayout: { columns: [{ weight: 'number', widgets: [WIDGET] }] },
  dashboardFilters: 'any',
};
