// Push with @parse/node-apn. Reads the job of the file named, writes the results as JSON.
"use strict";

const fs = require("node:fs");
const apn = require("@parse/node-apn");

const REQUEST_TIMEOUT_MS = 5000;
// Where node-apn wants each header.
const FIELDS = {
  "apns-id": "id",
  "apns-topic": "topic",
  "apns-priority": "priority",
  "apns-push-type": "pushType",
  "apns-collapse-id": "collapseId",
  "apns-expiration": "expiry",
};

function notification(push) {
  const note = new apn.Notification();
  note.rawPayload = push.payload;
  for (const [name, value] of Object.entries(push.headers)) note[FIELDS[name]] = value;
  return note;
}

async function send(provider, push) {
  const { sent, failed } = await provider.send(notification(push), push.token);
  const [one] = [...sent, ...failed];
  return {
    status: sent.length ? 200 : one.status || 0,
    id: one["apns-id"] || "",
    reason: one.response?.reason || "",
    timestamp: one.response?.timestamp ?? null,
    error: one.error?.message || "",
  };
}

async function main() {
  const job = JSON.parse(fs.readFileSync(process.argv[2]));
  const provider = new apn.Provider({
    address: job.address,
    port: job.port,
    ca: fs.readFileSync(job.ca),
    cert: job.certificate,
    key: job.key,
    production: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
  });
  const results = [];
  if (job.at_once) {
    results.push(...(await Promise.all(job.pushes.map((push) => send(provider, push)))));
  } else {
    for (const push of job.pushes) results.push(await send(provider, push));
  }
  await provider.shutdown();
  process.stdout.write(JSON.stringify(results));
}

main();
