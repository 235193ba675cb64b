/^    send_to_myself/d
