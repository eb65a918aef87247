"""The claims: fixed before they are measured, then decided and reported."""
