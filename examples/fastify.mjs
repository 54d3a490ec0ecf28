// A Fastify application behind Holdfast.
import fastify from 'fastify';
import { createVerifier } from '../verifier/verifier.mjs';

const { HOLDFAST: issuer, APPLICATION: application, PORT } = process.env;
const whoIs = createVerifier({ issuer, application });

const app = fastify();
app.decorateRequest('person', null);
app.addHook('onRequest', async (request, reply) => {
  request.person = await whoIs(request).catch(() => undefined);
  if (!request.person) return reply.code(request.person === null ? 401 : 503).send();
});
app.get('/', async (request) => `Hello ${request.person.email}`);
await app.listen({ port: Number(PORT), host: '127.0.0.1' });
