const express = require('express');
const path = require('path');
const app = express();

app.use(express.json());
app.use(express.static(path.join(__dirname, 'static')));
app.get('/items', (request, response) => response.json([{ id: 1, name: 'milk' }]));
app.post('/items', (request, response) => response.status(201).json(request.body));

const server = app.listen(3000, () => console.log('Listening on port 3000'));
process.on('SIGTERM', () => server.close());
