// An Express application behind Holdfast.
import express from 'express';
import { createVerifier } from '../verifier/verifier.mjs';

const { HOLDFAST: issuer, APPLICATION: application, PORT } = process.env;
const whoIs = createVerifier({ issuer, application });

const app = express();
app.use(async (request, response, next) => {
  request.person = await whoIs(request).catch(() => undefined);
  if (request.person) return next();
  return response.sendStatus(request.person === null ? 401 : 503);
});
app.get('/', (request, response) => response.type('text').send(`Hello ${request.person.email}`));
app.listen(PORT, '127.0.0.1');
