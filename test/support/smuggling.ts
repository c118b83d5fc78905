const host = 'Host: writ\r\n';

/** What would be read behind each, if its end were seen elsewhere. */
export const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: writ\r\n\r\n';

/** Requests that two parsers could read as two, or as different ones; each is refused, and ends its connection. */
export const smuggling: Readonly<Record<string, string>> = {
  'two lengths': `POST /a HTTP/1.1\r\n${host}Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}`,
  'two equal lengths': `POST /a HTTP/1.1\r\n${host}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
  'a list of lengths': `POST /a HTTP/1.1\r\n${host}Content-Length: 2, 2\r\n\r\n{}`,
  'an empty length': `POST /a HTTP/1.1\r\n${host}Content-Length:\r\n\r\n{}`,
  'a negative length': `POST /a HTTP/1.1\r\n${host}Content-Length: -2\r\n\r\n{}`,
  'a signed length': `POST /a HTTP/1.1\r\n${host}Content-Length: +2\r\n\r\n{}`,
  'a hexadecimal length': `POST /a HTTP/1.1\r\n${host}Content-Length: 0x2\r\n\r\n{}`,
  'a huge length': `POST /a HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\n{}`,
  'length and chunks': `POST /a HTTP/1.1\r\n${host}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunks and length': `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n`,
  'chunked not last': `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'a space before the colon': `POST /a HTTP/1.1\r\n${host}Content-Length : 2\r\n\r\n{}`,
  'a folded header': `POST /a HTTP/1.1\r\n${host}X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}`,
  'bare line feeds': 'POST /a HTTP/1.1\nHost: writ\nContent-Length: 2\n\n{}',
  'a carriage return in a header': `GET /a HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`,
  'a NUL in a header': `GET /a HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`,
  'a bad chunk': `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
  'a space in the target': `GET /a b HTTP/1.1\r\n${host}\r\n`,
  'another protocol': `GET /a HTTP/9.9\r\n${host}\r\n`,
  'a bad method': `G@T /a HTTP/1.1\r\n${host}\r\n`,
};
