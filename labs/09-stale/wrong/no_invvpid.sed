/invvpid/d
