import { z } from 'zod';

/** A path that means the same whatever folder a process was started in. */
export const filePathSchema = z.string().max(4096).regex(/^\//, 'expected an absolute path');

const ADDRESS = /^(https:\/\/[^\s/?#@\\]+|http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?)(\/[^\s?#\\]*)?$/;

/** Where tokens go: `https://…`, or `http://` on this machine alone. No user, no query: an address may hold no secret. */
export const addressSchema = z
  .string()
  .max(2048)
  .regex(ADDRESS, 'expected https://…, without user or query (http:// is for 127.0.0.1 alone)')
  .transform((address) => address.replace(/\/+$/, ''));

/** A path under a service's address. */
export const servicePathSchema = z
  .string()
  .max(1024)
  .regex(/^\/(?!\/)[^\s#\\]*$/, 'expected a path that begins with one /')
  .refine((path) => !path.split(/[/?]/).includes('..'), 'expected a path without ..');
