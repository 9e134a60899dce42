package regent.request
