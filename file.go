package opencloud

import (
	"cmp"
	"io"
	"path"
	"strings"
)

// File is content to upload. The zero File is none.
type File struct {
	// Name is what the API is told the file is called; it may be empty.
	Name string
	// ContentType is that of the content, "image/png". If it is empty the
	// extension of Name decides, or else it is application/octet-stream.
	ContentType string
	// Content is read from where it stands to its end, and not closed. If it is an
	// io.Seeker, as an *os.File and a *bytes.Reader are, its length is sent ahead
	// and the request can be sent again; any other reader is sent in chunks, once.
	//
	// An io.Seeker stands where it stood after a call that was not answered with
	// success, so that another call can be made with the same File. After a
	// success it has been read: sending it again is an ErrInvalidArgument until it
	// is put back.
	//
	// A call returns when no Read is in progress any more, at the latest a second
	// after its context has ended. Only if a Read takes longer than that is
	// Content still in use; it must not be used again then.
	Content io.Reader
	// Progress, if not nil, is called as the content is sent, with how many of
	// its bytes have been so far, give or take a buffer. The count begins anew
	// when the request is sent again, and is at the end by the time the server
	// has everything. Calls come one after the other, from a goroutine of the
	// request; the upload waits for each to return. None comes after the call has
	// returned, unless Content is still in use then.
	Progress func(sent int64) `json:"-"`
}

// contentType returns what the file is, as the API's documentation spells it.
func (f File) contentType() string {
	if f.ContentType != "" {
		return f.ContentType
	}
	return cmp.Or(contentTypeOf(strings.ToLower(path.Ext(f.Name))), "application/octet-stream")
}

// contentTypeOf knows what Roblox takes in. Package mime would answer
// differently from machine to machine, and knows none of Roblox's own formats.
func contentTypeOf(extension string) string {
	switch extension {
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".bmp":
		return "image/bmp"
	case ".tga":
		return "image/tga"
	case ".mp3":
		return "audio/mpeg"
	case ".ogg":
		return "audio/ogg"
	case ".wav":
		return "audio/wav"
	case ".flac":
		return "audio/flac"
	case ".mp4":
		return "video/mp4"
	case ".mov":
		return "video/mov"
	case ".fbx":
		return "model/fbx"
	case ".gltf":
		return "model/gltf+json"
	case ".glb":
		return "model/gltf-binary"
	case ".rbxm", ".rbxmx":
		return "model/x-rbxm"
	case ".rbxlx":
		return "application/xml"
	}
	return ""
}

// rest returns how much of r is left to read, and how to come back to where it
// stands; nil if it cannot seek. It is an error if r was read to its end before.
func rest(r io.Reader) (length int64, rewind func() error, err error) {
	s, isSeeker := r.(io.Seeker)
	if !isSeeker {
		return 0, nil, nil
	}
	start, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, nil, nil //nolint:nilerr // a pipe is an *os.File too
	}
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, nil, nil //nolint:nilerr // as above
	}
	if start > 0 && start >= end {
		return 0, nil, invalid("nothing is left of the file's Content, put it back to where it begins")
	}
	rewind = func() error {
		_, err := s.Seek(start, io.SeekStart)
		return err
	}
	return end - start, rewind, rewind()
}
