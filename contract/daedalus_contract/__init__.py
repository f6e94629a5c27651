"""The contract test kit: plays a role's inputs on the topics, and judges what comes back."""
