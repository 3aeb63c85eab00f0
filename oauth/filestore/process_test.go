package filestore

func child() {}
