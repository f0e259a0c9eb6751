/** A module of our own: bundled by itself, a CommonJS package that is imported dynamically has no named exports. */
export { GoogleAuth } from 'google-auth-library';
