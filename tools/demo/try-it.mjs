/** The demo for people: what to open and what to watch. */

export const tellWhatToTry = ({ origin, doorward }) => {
  const session = `node dist/main.js session`;
  console.log(`
Open in a browser:
  ${origin}/            asks you to sign in; the application shows what it received. Try alice, then bob.
  ${origin}/public/     open to everybody, and carries nobody's name
  ${origin}/sre/        for the group "sre": alice is in it, bob is told why he is not
  ${origin}/.doorward/  who you are here, and the way out

Ask as a program:
  curl -i ${origin}/sre/
  curl -i ${origin}/public/ -H 'X-Email: forged@example.com'

Change the rules while it runs, and reload the page:
  ${doorward.configFile}

End somebody's session; the next request is refused:
  ${session} list -c ${doorward.configFile}
  ${session} revoke-user alice@example.com -c ${doorward.configFile}

Watch each decision:
  tail -f ${doorward.auditFile}

Ctrl-C ends all of it.`);
};

/** Resolves at the first SIGINT or SIGTERM. */
export const untilInterrupted = () =>
  new Promise((resolve) => {
    // Signals alone do not keep Node running.
    const alive = setInterval(() => {}, 60_000);
    const stop = () => {
      clearInterval(alive);
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
