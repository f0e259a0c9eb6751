/** An uploaded video is an object like any other; what is in it is looked at later. */
export {
  type ObjectEvent as VideoEvent,
  readObject as parseVideoEvent,
  type UploadedObject as VideoObject,
} from '../../shared/events/read-object.ts';
