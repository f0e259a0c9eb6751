export { demo } from './local/demo.ts';
export { services } from './local/services.ts';
