// nodemailer with its pool: node nodemailer.js HOST PORT CONNECTIONS COUNT PARTS
"use strict";
const fs = require("fs");
const nodemailer = require("nodemailer");

const [host, port, connections, count, file] = process.argv.slice(2);
const parts = JSON.parse(fs.readFileSync(file, "utf8"));
const transport = nodemailer.createTransport({
  pool: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
  host,
  port: Number(port),
  secure: false,
  ignoreTLS: true,
});
let next = 0;

async function work() {
  while (next < Number(count)) {
    next += 1;
    await transport.sendMail({
      from: parts.from,
      to: `reader${next}@mail${next % 500}.example.com`,
      subject: parts.subject,
      text: parts.text,
      html: parts.html,
      headers: parts.headers,
      textEncoding: "base64",
    });
  }
}

// Twice as many at once as there are connections, so that each of them always finds the next message waiting.
Promise.all(Array.from({ length: 2 * Number(connections) }, work)).then(
  () => transport.close(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
