of_reader=of_writer=None
