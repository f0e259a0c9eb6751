/** An uploaded video is an object like any other; its contents are inspected later. */
export {
  type ObjectEvent as VideoEvent,
  readObject as parseVideoEvent,
  type UploadedObject as VideoObject,
} from '../../shared/events/read-object.ts';
