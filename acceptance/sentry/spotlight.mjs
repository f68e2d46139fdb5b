// Run Spotlight as a library, on the loopback interface alone: its command binds every
// interface and reports about itself.
import net from 'node:net';

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...given) {
  if (typeof given[0] !== 'number') return listen.apply(this, given);
  const address = { port: given[0], host: '127.0.0.1' };
  return listen.call(this, address, given.find((one) => typeof one === 'function'));
};

const { setupSpotlight } = await import('@spotlightjs/spotlight');
const server = await setupSpotlight({ port: Number(process.argv[2]), isStandalone: true });
process.on('SIGTERM', () => {
  server.closeAllConnections?.();
  server.close(() => process.exit(0));
});
