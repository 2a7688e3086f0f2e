/** Clients that keep a stream open, as browsers and programs do: each says how it opened, when its last byte came, and how it ended. */

import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

import { WebSocket } from 'ws';

import { toLoopback, type WebClient } from './web-client.ts';

export type StreamEnd = {
  /** `aborted`: it was cut off, and the client knows; a WebSocket tells it by 1006. */
  readonly how: 'aborted' | 'ended';
  readonly lastByteAtMs: number;
  readonly atMs: number;
};

export type ClientStream = {
  /** 101 for a WebSocket. */
  readonly status: number;
  readonly isOpen: () => boolean;
  /** Resolves when it is over. */
  readonly ended: Promise<StreamEnd>;
  close(): void;
};

export type OpenOptions = { readonly ca?: string; readonly headers?: Readonly<Record<string, string>> };

const cookieOf = (client: WebClient, url: string): Promise<string> =>
  client.jar.getCookieString(url.replace(/^ws/, 'http'));

/** Any answer over HTTP/1.1, read as it comes. */
export async function openDownload(client: WebClient, url: string, options: OpenOptions = {}): Promise<ClientStream> {
  const headers = { cookie: await cookieOf(client, url), ...options.headers };
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, { headers, lookup: toLoopback, agent: false, ca: options.ca }, (response) => {
      let lastByteAtMs = performance.now();
      let isOpen = true;
      const ended = new Promise<StreamEnd>((over) => {
        const end = (how: StreamEnd['how']): void => {
          isOpen = false;
          over({ how, lastByteAtMs, atMs: performance.now() });
        };
        response.on('data', () => {
          lastByteAtMs = performance.now();
        });
        response.on('end', () => end('ended'));
        response.on('error', () => end('aborted'));
      });
      resolve({
        status: response.statusCode ?? 0,
        isOpen: () => isOpen,
        ended,
        close: () => request.destroy(),
      });
    });
    request.on('error', reject);
    request.end();
  });
}

/** `url` is http or https. A refused one has the status of its refusal, and is not open. */
export async function openWebSocket(client: WebClient, url: string, options: OpenOptions = {}): Promise<ClientStream> {
  const headers = { cookie: await cookieOf(client, url), ...options.headers };
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers, lookup: toLoopback, ca: options.ca });
  let lastByteAtMs = performance.now();
  let isOpen = true;
  const ended = new Promise<StreamEnd>((over) => {
    socket.on('close', (code) => {
      isOpen = false;
      over({ how: code === 1006 ? 'aborted' : 'ended', lastByteAtMs, atMs: performance.now() });
    });
  });
  socket.on('message', () => {
    lastByteAtMs = performance.now();
  });
  return new Promise((resolve, reject) => {
    const close = (): void => socket.terminate();
    socket.on('error', reject);
    socket.on('open', () => resolve({ status: 101, isOpen: () => isOpen, ended, close }));
    socket.on('unexpected-response', (_request, response) => {
      isOpen = false;
      response.resume();
      resolve({ status: response.statusCode ?? 0, isOpen: () => false, ended, close });
    });
  });
}
