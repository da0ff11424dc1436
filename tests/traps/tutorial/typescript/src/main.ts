import Fastify from 'fastify';
import { greeting } from './greeting.js';

const app = Fastify();
app.get('/health', async () => ({ ok: true }));
app.get<{ Params: { name: string } }>('/hello/:name', async (request) => ({ text: greeting(request.params.name) }));
await app.listen({ port: Number(process.env.PORT ?? 3000), host: '0.0.0.0' });
