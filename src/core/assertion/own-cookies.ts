/** Which cookies are Doorward's own: the session cookie and those of logins (src/endpoints/login), in the forms for https and http. */

const HOST_PREFIX = '__Host-';
/** Logins under way, and how often they were gone round. */
const LOGIN_MARK = 'doorward-';

const bare = (name: string): string => (name.startsWith(HOST_PREFIX) ? name.slice(HOST_PREFIX.length) : name);

export const isOwnCookie = (name: string, cookieName: string): boolean => {
  const own = bare(name);
  return own === cookieName || own.startsWith(LOGIN_MARK) || name === cookieName;
};

/** A Cookie line without any of these holds none of them. */
export const ownCookieMarks = (cookieName: string): readonly string[] => [cookieName, LOGIN_MARK];
