import { localServices } from './local/services.ts';

export { demo } from './local/demo.ts';
export const services = localServices();
