"""The words for why a request is refused, as in logs and metrics, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "ip_not_allowed": "the client's address is not in remoteAllowedCIDR",
        "ip_unreadable": "the client's address, or one that a proxy gave, is no IP address",
        "rate_limited": "more requests came than restRequestsPerSecond and"
        " restRequestsPerSecondPerAddress allow",
        "no_token": "there is no Authorization header, or nothing in it",
        "several_tokens": "there is more than one Authorization header",
        "malformed": "this is no JSON Web Token in compact form (RFC 7519)",
        "critical_header": "the token's header has a 'crit' member, which asks for an extension",
        "algorithm_not_allowed": "the token's 'alg' does not fit the settings or the key",
        "no_secret": "the JWT filter is on, and neither jwtSecretKey nor jwksURL is set",
        "bad_signature": "the signature was not made with the application's secret or key",
        "unknown_kid": "no key of the key set fits the token's 'kid', or its lack of one",
        "key_set_unavailable": "the key set was never fetched, or is older than it may be",
        "bad_claim": "'exp' or 'nbf' is not a number",
        "expired": "the token's 'exp' is over",
        "not_yet_valid": "the token's 'nbf' is still to come",
        "no_expiry": "the token has no 'exp', and jwtRequireExpiry is on",
        "issuer_not_allowed": "the token's 'iss' is not in jwtIssuer",
        "audience_not_allowed": "no 'aud' of the token is in jwtAudience",
        "short_secret": "jwtStreamSecretKey is not set, or shorter than 32 characters",
        "wrong_stream": "the stream token's 'streamId' is another one",
        "wrong_type": "the stream token's 'type' is not what is to be done, publish or play",
    }
)
