// Written by `npm run schemas:types` from the JSON Schemas beside it: changes here are lost.

/**
 * Published once the user is recorded under the address.
 */
export interface UserCreated1 {
  userId: string;
  email: string;
  name: string;
}

declare module '../../../shared/events/event-data.ts' {
  interface EventTypes {
    'user.created': UserCreated1;
  }
}
