"""The web page: what the topics tell, drawn; what people want, asked for (`daedalus serve`)."""
