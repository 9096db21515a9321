// SPDX-License-Identifier: GPL-3.0-or-later
// What npm's hdb gets from the scripted HANA, as one JSON object: node client.js <port>, hdb beside NODE_PATH.
'use strict';

const hdb = require('hdb');

// The driver gives a NCLOB as it came: é漢😀 in CESU-8.
const TEXT = Buffer.alloc(11 * 200000, 'c3a9e6bca2eda0bdedb880', 'hex');
const port = Number(process.argv[2]);
const call = (start) => new Promise((good, bad) => start((error, ...rest) => (error ? bad(error) : good(rest))));
const plain = (key, value) =>
  value && value.type === 'Buffer' ? 'hex ' + Buffer.from(value.data).toString('hex') : value;

async function connected(options, work) {
  const client = hdb.createClient({ host: '127.0.0.1', port, user: 'SYSTEM', password: 'Manager1', ...options });
  client.on('error', () => {});
  try {
    await call((done) => client.connect(done));
    return await work(client);
  } catch (error) {
    return { code: error.code, message: error.message };
  } finally {
    client.end();
  }
}

const rows = async (client, sql) => (await call((done) => client.exec(sql, done)))[0];

async function prepared(client, sql, values) {
  const [statement] = await call((done) => client.prepare(sql, done));
  try {
    return (await call((done) => statement.exec(values, done)))[0];
  } finally {
    await call((done) => statement.drop(done));
  }
}

async function main() {
  const found = {};
  const state = (client) => client.readyState;
  found.state = await connected({}, state);
  found.wrong = await connected({ password: 'wrong' }, state);
  found.tenant = await connected({}, (client) => rows(client, 'SELECT SESSION'));
  for (const version of [1, 8]) {
    const options = { dataFormatSupport: version };
    found['types' + version] = await connected(options, (client) => rows(client, 'SELECT TYPES'));
  }
  await connected({}, async (client) => {
    found.many = await rows(client, 'SELECT COUNT').then((list) => [list.length, list[99999]]);
    found.empty = await rows(client, 'SELECT NOTHING');
    found.lobs = await rows(client, 'SELECT LOBS').then((list) =>
      list.map((row) => [row.C && row.C.length, row.C && row.C.equals(TEXT), row.B && row.B.length]));
    found.error = await rows(client, 'BACKUP DATA FAIL').catch((error) => [error.code, error.message]);
    found.below = await prepared(client, 'SELECT BELOW ?', [2]);
    found.insert = await prepared(client, 'INSERT INTO T VALUES (?, ?)', [1, 'é😀']);
    found.list = await prepared(client, 'INSERT INTO T VALUES (?, ?)', [[1, 'a'], [2, null]]);
    const values = [1, 'é漢😀'.repeat(200000), Buffer.alloc(1280000, Buffer.from([...Array(256).keys()]))];
    found.lob = await prepared(client, 'INSERT INTO LOBS VALUES (?, ?, ?)', values);
    client.setAutoCommit(false);
    found.update = await rows(client, 'UPDATE T SET A = 1');
    await call((done) => client.commit(done));
    await call((done) => client.rollback(done));
    found.events = await rows(client, 'SELECT EVENTS').then((list) => list.map((row) => row.EVENT.toString('utf8')));
    await call((done) => client.disconnect(done));
    found.left = client.readyState;
  }).then((failure) => failure && (found.failure = failure));
  console.log(JSON.stringify(found, plain));
}

main();
