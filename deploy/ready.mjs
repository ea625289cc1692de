// The health check of the containers: ends with 0 when the URL that it is given answers well within three seconds.
const [url = ''] = process.argv.slice(2);
try {
  const { ok, status } = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(3_000) });
  if (!ok) throw new Error(`it answers with status ${status}`);
} catch (error) {
  process.stderr.write(`${url}: ${error.cause?.message ?? error.message}\n`);
  process.exitCode = 1;
}
