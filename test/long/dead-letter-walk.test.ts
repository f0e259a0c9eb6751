import { deadLetterWalk } from '../helpers/dead-letter-walk.ts';

deadLetterWalk('the local cloud');
