"""The rolling digest of a session, made from its episodes, and the profile of a user, made from current facts."""
