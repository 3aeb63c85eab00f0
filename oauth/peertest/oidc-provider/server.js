// An authorization server made of npm's oidc-provider, for peertest. It prints
// its issuer when it is ready and ends with its standard input.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';

const { CLIENT_ID, CLIENT_SECRET, REDIRECT_URL, ACCESS_TTL } = process.env;
const scope = 'openid offline_access';
const counts = { redeemed: 0, replays: 0 };

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

function newProvider(issuer) {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      redirect_uris: [REDIRECT_URL],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
      id_token_signed_response_alg: 'ES256',
    }],
    jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig', kid: 'one' }] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: {
      AccessToken: Number(ACCESS_TTL), AuthorizationCode: 60, IdToken: 60, Interaction: 60,
      Grant: 7776000, RefreshToken: 7776000, Session: 7776000,
    },
  });
  provider.on('refresh_token.consumed', () => { counts.redeemed += 1; });
  provider.on('grant.error', (ctx, err) => {
    if (ctx.oidc?.params?.grant_type === 'refresh_token' && err.error === 'invalid_grant') counts.replays += 1;
  });
  return provider;
}

// Whoever comes is user 156 and consents.
async function consent(provider, req, res) {
  const { params } = await provider.interactionDetails(req, res);
  const grant = new provider.Grant({ accountId: '156', clientId: params.client_id });
  grant.addOIDCScope(scope);
  await provider.interactionFinished(req, res, {
    login: { accountId: '156' },
    consent: { grantId: await grant.save() },
  });
}

let provider;
let serve;
const server = createServer((req, res) => {
  if (req.url === '/counts') {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify(counts));
  } else if (req.url.startsWith('/interaction/')) {
    consent(provider, req, res).catch((err) => { res.statusCode = 500; res.end(String(err)); });
  } else {
    serve(req, res);
  }
});
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  provider = newProvider(issuer);
  serve = provider.callback();
  console.log(issuer);
});
process.stdin.on('end', () => process.exit(0)).resume();
