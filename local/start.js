// `npm start`
import { launch } from '../cli/launch/launch.js';

await launch('local');
